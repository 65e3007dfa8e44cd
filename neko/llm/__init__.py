"""Language-model providers over HTTP: client, completions, errors, one-shot questions, catalogue, discovery."""
