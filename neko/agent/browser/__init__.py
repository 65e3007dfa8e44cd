"""The Hand ``browser_use``: a real browser, seen as an accessibility snapshot and driven by Playwright.

``hand`` starts and ends the one browser, ``gate`` and ``gate_proxy`` decide what it may contact, ``tabs`` follows what
happens in a page, ``snapshot`` and ``elements`` say what is there, ``risk`` what an action would do, ``workspace`` does
it for one task.
"""
