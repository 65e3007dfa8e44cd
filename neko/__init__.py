"""Neko: a companion with a face, a voice, a memory and hands, in one asyncio process."""
