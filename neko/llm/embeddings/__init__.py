"""Embedding models: any server with OpenAI's ``/embeddings``, and models on this computer in a process of their own."""
