"""The REST API below /2.0, one topic a module."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud.api import (
    accounts,
    comments,
    commits,
    diffs,
    hooks,
    merges,
    pullrequests,
    refs,
    reports,
    repositories,
    restrictions,
    reviewers,
    reviews,
    statuses,
)
from intakebot.world.bitbucket_cloud.api.call import Route

ROUTES: tuple[Route, ...] = (
    *accounts.ROUTES,
    *comments.ROUTES,
    *commits.ROUTES,
    *diffs.ROUTES,
    *hooks.ROUTES,
    *merges.ROUTES,
    *pullrequests.ROUTES,
    *refs.ROUTES,
    *reports.ROUTES,
    *repositories.ROUTES,
    *restrictions.ROUTES,
    *reviewers.ROUTES,
    *reviews.ROUTES,
    *statuses.ROUTES,
)
