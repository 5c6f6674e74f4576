"""One channel a file: mail. Pager, chat and tickets come with windows and alarms."""
