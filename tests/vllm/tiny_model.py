"""A language model of half a million parameters that has seen what the tasks ask: `python -m tests.vllm.tiny_model`.

Belongs: its recipe (tokenizer, architecture, training), writing it as a folder that vLLM serves.
Does not belong: where its lessons come from (world.py).
Rule: it need not be right; it has to write what a task's parser accepts often enough that every stage has work.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

RECIPE = {
    "n_tokens": 1536,
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,  # vLLM's attention on CPUs knows 32 and 64, not 16
    "learning_rate": 4e-3,
    "tokens_per_step": 2048,
    "longest": 256,
    "share_of_prompt": 0.25,  # of its tokens count, together a tenth of an answer's; all would take a third longer
    "n_steps": 450,  # a minute of one core, and not seconds: the same lessons give the same model on any machine
    "seed": 7,
}
_SPECIAL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
# The instructions are one text per task: their beginning tells a model of this size all that they could.
# They come last, so that a lesson may be cut at its beginning.
_CHAT = "<|user|>{{ messages[-1]['content'] }}<|system|>{{ messages[0]['content'][:30] }}<|assistant|>"


def train(lessons: Sequence[dict[str, Any]], folder: Path) -> None:
    """Train on `lessons` ({messages, answer}) and write the model."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(RECIPE["seed"])
    tokenizer = _tokenizer(lessons)
    model = _model(tokenizer)
    _fit(model, [_encoded(lesson, tokenizer) for lesson in lessons])
    folder.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(lessons: Sequence[dict[str, Any]]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    # Digits stay apart: the next number is then one token after the last one.
    split = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(split)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=RECIPE["n_tokens"],
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((text for one in lessons for text in _texts(one)), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_SPECIAL[0], pad_token=_SPECIAL[0])
    fast.chat_template = _CHAT
    return fast


def _texts(lesson: dict[str, Any]) -> Iterator[str]:
    yield from (message["content"] for message in lesson["messages"])
    yield lesson["answer"]


def _model(tokenizer: Any) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    end = tokenizer.eos_token_id
    sizes = {
        name: RECIPE[name] for name in RECIPE if name.startswith(("hidden", "inter", "num_")) or name == "head_dim"
    }
    config = Qwen3Config(
        vocab_size=len(tokenizer), max_position_embeddings=16_384, tie_word_embeddings=True, eos_token_id=end, **sizes
    )
    return Qwen3ForCausalLM(config)


def _encoded(lesson: dict[str, Any], tokenizer: Any) -> tuple[list[int], int]:
    """(tokens, how many of them are the prompt)."""
    prompt = tokenizer.apply_chat_template(lesson["messages"], add_generation_prompt=True, tokenize=False)
    before = tokenizer.encode(prompt, add_special_tokens=False)[-RECIPE["longest"] :]
    after = tokenizer.encode(lesson["answer"], add_special_tokens=False)
    return [*before, *after, tokenizer.eos_token_id], len(before)


def _fit(model: Any, encoded: Sequence[tuple[list[int], int]]) -> None:
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=RECIPE["learning_rate"], betas=(0.9, 0.98), weight_decay=0.01)
    for step, (tokens, weights) in enumerate(islice(_batches(encoded), RECIPE["n_steps"])):
        share = step / RECIPE["n_steps"]
        for group in optimizer.param_groups:
            group["lr"] = RECIPE["learning_rate"] * min(1.0, 20 * share + 0.05) * (1 - 0.9 * share)
        counts = weights[:, 1:] > 0
        foretold = model.lm_head(model.model(tokens[:, :-1]).last_hidden_state[counts])
        losses = torch.nn.functional.cross_entropy(foretold, tokens[:, 1:][counts], reduction="none")
        loss = (losses * weights[:, 1:][counts]).sum() / weights[:, 1:].sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def _batches(encoded: Sequence[tuple[list[int], int]]) -> Iterator[tuple[Any, Any]]:
    """Batches of like lengths without end: (tokens, weight of each token in the loss)."""
    import torch

    draw = random.Random(RECIPE["seed"])
    while True:
        shuffled = sorted(encoded, key=lambda one: (len(one[0]) // 64, draw.random()))
        batches, batch = [], []
        for one in shuffled:
            if batch and (len(batch) + 1) * len(one[0]) > RECIPE["tokens_per_step"]:
                batches.append(batch)
                batch = []
            batch.append(one)
        batches.append(batch)
        draw.shuffle(batches)
        for some in batches:
            longest = max(len(tokens) for tokens, _ in some)
            tokens, weights = torch.zeros(len(some), longest, dtype=torch.long), torch.zeros(len(some), longest)
            for row, (own, n_prompt) in enumerate(some):
                tokens[row, : len(own)] = torch.tensor(own)
                counted = torch.rand(n_prompt - 1) < RECIPE["share_of_prompt"]
                weights[row, 1:n_prompt] = counted * (0.1 / RECIPE["share_of_prompt"])
                weights[row, n_prompt : len(own)] = 1.0
            yield tokens, weights


def main() -> None:
    """Train from a file of lessons, one JSON object a line."""
    parser = argparse.ArgumentParser(prog="python -m tests.vllm.tiny_model")
    parser.add_argument("--lessons", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    lines = arguments.lessons.read_text(encoding="utf-8").splitlines()
    train([json.loads(line) for line in lines], arguments.folder)


if __name__ == "__main__":
    main()
