"""One channel a file (mail, pager, chat, tickets). They come with windows and alarms."""
