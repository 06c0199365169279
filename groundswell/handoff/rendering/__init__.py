"""One brief in every form: plain text, Markdown, Slack's blocks, an e-mail, a CRM's records."""
