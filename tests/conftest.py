"""What every test shares."""

from __future__ import annotations

import hypothesis

# An example's time on the clock says nothing while other tests run beside it (`make test`).
# Where speed is promised a test measures it: in processor time, or marked `alone`.
hypothesis.settings.register_profile("beside-others", deadline=None)
hypothesis.settings.load_profile("beside-others")
