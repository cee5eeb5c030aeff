"""Prints the rates of PyTorch's one-cycle policy.

The values are in src/training/schedule.rs.
Run with PyTorch 2.15.0 (CPU): python crates/lstm-train/tests/golden/one_cycle.py
"""

import torch

STEPS = 20

optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
schedule = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=20.0, total_steps=STEPS, pct_start=0.25, cycle_momentum=False
)
print("torch", torch.__version__.split("+")[0])
for step in range(1, STEPS + 1):
    if step in (1, 2, 4, 5, 6, 11, 19, 20):
        print(f"({step}, {schedule.get_last_lr()[0]!r}),")
    optimizer.step()
    if step < STEPS:
        schedule.step()
