"""Put rules/ and webhooks/ into the wheel, and only there.

A plain force-include would also copy them into site-packages at an editable install, where they
would lie dead beside the checkout that is really read.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShipData(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"] |= {
                "rules": "intakebot/rules",
                "webhooks": "intakebot/webhooks",
            }
