"""Prints where PyTorch's optimizers are after three steps on fixed gradients.

The values are in src/training/tests/optimizer.rs.
Run with PyTorch 2.15.0 (CPU): python crates/lstm-train/tests/golden/optimizers.py
"""

import torch

EMBEDDING = [0.5, -0.25, 1.0]
WEIGHT = [1.0, -1.0, 0.125]
# The last column is so small that Adam's epsilon counts.
GRADIENTS = [
    ([0.5, -0.25, 1e-7], [1.0, 0.0, -2e-7]),
    ([-0.125, 0.75, 2e-7], [0.5, 0.0, 1e-7]),
    ([0.25, 0.5, -1e-7], [-2.0, 1.0, 3e-7]),
]


def after_three_steps(optimizer, rate, embedding_decay=None, **options):
    embedding, weight = (
        torch.nn.Parameter(torch.tensor(values)) for values in (EMBEDDING, WEIGHT)
    )
    groups = [{"params": [embedding]}, {"params": [weight]}]
    if embedding_decay is not None:
        groups[0]["weight_decay"] = embedding_decay
    optimizer = optimizer(groups, lr=rate, **options)
    for gradients in GRADIENTS:
        for parameter, gradient in zip((embedding, weight), gradients):
            parameter.grad = torch.tensor(gradient)
        optimizer.step()
    return [
        [float(f"{value:.9g}") for value in parameter.tolist()]
        for parameter in (embedding, weight)
    ]


def main():
    optim = torch.optim
    print("torch", torch.__version__.split("+")[0])
    print("adam", after_three_steps(optim.Adam, 0.01))
    print("adam, L2", after_three_steps(optim.Adam, 0.01, weight_decay=0.1))
    print("adamw", after_three_steps(optim.AdamW, 0.01, weight_decay=0.5))
    print(
        "adamw, embeddings",
        after_three_steps(optim.AdamW, 0.01, weight_decay=0.5, embedding_decay=2.0),
    )
    print("sgd", after_three_steps(optim.SGD, 0.1))
    print("sgd, L2", after_three_steps(optim.SGD, 0.1, weight_decay=0.1))
    print(
        "sgd, momentum, L2",
        after_three_steps(optim.SGD, 0.1, momentum=0.9, weight_decay=0.1),
    )


if __name__ == "__main__":
    main()
