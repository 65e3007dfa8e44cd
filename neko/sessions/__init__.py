"""Conversations: one ``SessionManager`` per character, from the user's words to text and sound."""
