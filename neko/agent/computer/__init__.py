"""The computer's own screen, mouse and keyboard as a hand: ``ComputerHand``.

Pictures come from ``mss``, the user's own mouse and keys are heard by ``pynput``, which also moves and types on
Windows and macOS; on X11 that is done by XTEST, so that every program takes it and any script can be typed. All of
them are imported when the hand is first used. Actions: ``contract/agent.md`` §11.
"""
