registerProcessor("given", class extends AudioWorkletProcessor { process() { return false; } });
