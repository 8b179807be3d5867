"""The whole story without services: five jobs, then a page that links their reports."""
