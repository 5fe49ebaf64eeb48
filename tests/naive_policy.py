"""Slow, obvious versions of scoring and sampling: one response at a time, the whole sequence again for every number.

Everything goes through the model's own forward: no cache, no packing, no shared prompt, positions of its own making.
"""

import torch


def prompt_row(prompts, index):
    """Ids [1, L] of one prompt without padding, its patches and its grid."""
    single = prompts.slice(index, index + 1)
    return single.input_ids[:, single.prompt_mask[0]], single.pixel_values, single.image_grid


def sequence_outputs(model, prompts, index, response):
    """Logits [N, V] that predict each token of a response [N], and the final-layer states [N, H] at its tokens."""
    ids, pixels, grid = prompt_row(prompts, index)
    whole = torch.cat([ids, response.unsqueeze(0)], dim=1)
    outputs = model(
        input_ids=whole,
        attention_mask=torch.ones_like(whole),
        pixel_values=pixels,
        image_grid_thw=grid,
        mm_token_type_ids=(whole == model.config.image_token_id).int(),
        output_hidden_states=True,
    )
    length = ids.shape[1]
    return outputs.logits[0, length - 1 : -1], outputs.hidden_states[-1][0, length:]


def score(model, forbidden, prompts, ids, mask, prompt_index, temperature=1.0):
    """Log-probabilities, entropies and states of the real tokens of all responses, one behind another."""
    logprobs, entropies, states = [], [], []
    for row, index in enumerate(prompt_index):
        response = ids[row][mask[row]]
        logits, final = sequence_outputs(model, prompts, int(index), response)
        allowed = torch.ones(logits.shape[-1], dtype=torch.bool)
        allowed[forbidden] = False
        for position, token in enumerate(response.tolist()):
            row_logits = logits[position] / temperature
            log_total = row_logits[allowed].logsumexp(0)
            logprobs.append(row_logits[token] - log_total)
            remaining = row_logits[allowed] - log_total
            entropies.append(-(remaining.exp() * remaining).sum())
        states.append(final)
    return torch.stack(logprobs), torch.stack(entropies), torch.cat(states)


@torch.no_grad()
def sample(model, forbidden, stop, prompts, max_tokens, uniforms=None, temperature=1.0, beginning=()):
    """Lists of token ids, one per row of `uniforms`, or the greedy ones per prompt; each starts with `beginning`."""
    group = 1 if uniforms is None else len(uniforms) // len(prompts)
    responses = []
    for row in range(len(prompts) * group):
        tokens = list(beginning)
        while len(tokens) < max_tokens and stop not in tokens:
            # A last token of any kind: its logits are not asked for.
            so_far = torch.tensor([*tokens, 0])
            logits, _ = sequence_outputs(model, prompts, row // group, so_far)
            draw = None if uniforms is None else uniforms[row, len(tokens) - len(beginning)]
            tokens.append(next_token(logits[-1], forbidden, draw, temperature))
        responses.append(tokens)
    return responses


def next_token(logits, forbidden, draw, temperature):
    allowed = [token for token in range(len(logits)) if token not in set(forbidden.tolist())]
    if draw is None:
        return max(allowed, key=lambda token: float(logits[token]))
    probabilities = (logits[allowed].double() / temperature).softmax(0).tolist()
    total = 0.0
    for token, probability in zip(allowed, probabilities, strict=True):
        total += probability
        if draw < total:
            return token
    return allowed[-1]
