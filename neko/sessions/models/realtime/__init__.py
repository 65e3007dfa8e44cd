"""Calls with a provider's own voice model: speech in, speech out, over one connection for the whole talk.

``talk`` is what any such provider has in common (replies, utterances and their order), ``session`` is one over the
WebSocket protocol that OpenAI began and others speak in dialects (``dialects``).
"""
