"""The rooms that act: inbox, look, run, lane, outbox, survey, sweep."""
