"""Where the bot has other machines try what a change gives: names that nobody else may use."""

BRANCHES = "intake/try/"  # and the number of the pull request; in the main repository
