"""`intakebot up`: every process of the house under one supervisor, and none left behind."""
