"""How well contributions of a person or an agency come in: definitions of docs/report.md. Pure."""
