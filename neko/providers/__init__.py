"""Models and their providers: the catalogue, what is in force for each role, and what a choice changes."""

from neko.providers.addresses import normalise_base_url
from neko.providers.catalogue import AssistProvider, catalogue, extra_body
from neko.providers.resolution import ASSIST_ROLES, ModelEndpoint, pinned, resolve

__all__ = [
    "ASSIST_ROLES",
    "AssistProvider",
    "ModelEndpoint",
    "catalogue",
    "extra_body",
    "normalise_base_url",
    "pinned",
    "resolve",
]
