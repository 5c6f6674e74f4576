"""A fake Bitbucket Cloud: real HTTP, real git, state, webhooks, and mischief on request.

with BitbucketCloud(folder) as cloud:
    ada = cloud.user("ada")
    cloud.workspace("acme", owner="ada")
    cloud.repository("acme/site")
    ada.api("GET", "/repositories/acme/site")
"""

from __future__ import annotations

from intakebot.world.bitbucket_cloud.api.call import EVERY_SCOPE
from intakebot.world.bitbucket_cloud.cloud import BitbucketCloud
from intakebot.world.bitbucket_cloud.member import Member
from intakebot.world.bitbucket_cloud.sender import Delivery
from intakebot.world.bitbucket_cloud.site import Choices, Recorded

__all__ = ["EVERY_SCOPE", "BitbucketCloud", "Choices", "Delivery", "Member", "Recorded"]
