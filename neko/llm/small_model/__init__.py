"""A small language model on this computer: a GGUF file behind llama.cpp's own server, in a process of its own."""
