"""The nano policy of the policy tests."""

from tests.policy.conftest import nano_folder, policy

__all__ = ["nano_folder", "policy"]
