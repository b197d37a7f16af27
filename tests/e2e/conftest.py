# SPDX-License-Identifier: Apache-2.0
"""KILONOVA_SHARD=i/n runs every n-th test beginning with the i-th (from 0), so that long files can run
beside each other, each on a cloud of its own."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def pytest_collection_modifyitems(config, items):
    shard = os.environ.get("KILONOVA_SHARD")
    if not shard:
        return
    index, count = map(int, shard.split("/"))
    assert 0 <= index < count
    keep = items[index::count]
    dropped = [item for item in items if item not in keep]
    config.hook.pytest_deselected(items=dropped)
    items[:] = keep


@pytest.fixture()
def tidy(cloud):
    """Ends with a cloud without instances, and nothing left of them."""
    yield
    cloud.delete_all()
    cloud.assert_no_leak()
