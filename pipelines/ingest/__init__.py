"""Topics to bronze tables: every message once, or a dead letter that says why not."""
