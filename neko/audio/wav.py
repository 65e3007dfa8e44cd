"""Sound as a WAV file."""

from __future__ import annotations

import io


def as_wav(pcm: bytes, rate: int) -> bytes:
    """PCM16 mono at ``rate`` samples a second as a WAV file."""
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm)
    return file.getvalue()
