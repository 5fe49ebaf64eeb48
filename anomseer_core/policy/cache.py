"""The key-value cache of group sampling: buffers that are filled in place, in the type attention computes in.

transformers' `DynamicCache` copies itself for every token, and under autocast attention then converts all of it once
more. Its `StaticCache` writes in place but attends over its whole capacity, and rows cannot leave it.

Legend: P prompts, G responses per prompt, B = P * G rows, L tokens so far, D head size.
"""

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

from anomseer_core.policy.attention import attention_type

# A buffer grows by so many tokens at once: most responses end long before the longest that is allowed.
ROOM = 128


class GroupLayer(DynamicLayer):
    """keys, values: views [B, heads, L, D] of the filled part of two buffers."""

    def __init__(self, prefilled: DynamicLayer, group: int) -> None:
        super().__init__()
        self.dtype, self.device = attention_type(prefilled.keys), prefilled.keys.device
        self.length = prefilled.keys.shape[-2]
        self.key_buffer = self._allocate(prefilled.keys, self.length + ROOM, group)
        self.value_buffer = self._allocate(prefilled.values, self.length + ROOM, group)
        self.is_initialized = True
        self._show()

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append keys and values [B, heads, new tokens, D]; returns all of them so far."""
        stop = self.length + key_states.shape[-2]
        if stop > self.key_buffer.shape[-2]:
            self.key_buffer = self._allocate(self.keys, stop + ROOM, 1)
            self.value_buffer = self._allocate(self.values, stop + ROOM, 1)
        self.key_buffer[:, :, self.length : stop] = key_states
        self.value_buffer[:, :, self.length : stop] = value_states
        self.length = stop
        self._show()
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these rows."""
        self.key_buffer, self.value_buffer = self.key_buffer[indices], self.value_buffer[indices]
        self._show()

    def _show(self) -> None:
        self.keys, self.values = self.key_buffer[:, :, : self.length], self.value_buffer[:, :, : self.length]

    def _allocate(self, filled: torch.Tensor, capacity: int, repeats: int) -> torch.Tensor:
        """A buffer of `capacity` tokens that begins with `filled`, each row of it `repeats` times."""
        rows, heads, length, size = filled.shape
        buffer = torch.empty((rows * repeats, heads, capacity, size), dtype=self.dtype, device=self.device)
        buffer.unflatten(0, (rows, repeats))[..., :length, :] = filled.unsqueeze(1)
        return buffer


def expand_to_groups(prefilled: DynamicCache, group: int) -> Cache:
    """The cache of P prompts as that of P * G responses in prompt-major order, with room for their tokens."""
    return Cache(layers=[GroupLayer(layer, group) for layer in prefilled.layers])
