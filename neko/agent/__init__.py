"""The agent: tasks and what they are done with, what may be done without asking, what is told on the bus."""
