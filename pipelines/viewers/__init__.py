"""Live viewer analytics: audience, quality and capacity of a match from player events."""
