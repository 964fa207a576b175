"""Fields of a recipe that decide the course of training."""

from dataclasses import dataclass

from ankleboot.recipes.cases import SCRATCH, THAWED, TRANSFER
from ankleboot.recipes.option import Above, Given, option
from ankleboot.recipes.search_range import Around, Between


@dataclass(frozen=True, kw_only=True)
class OptimizationFields:
    """Objective, optimizer, schedule and stopping."""

    optimizer: str = option("adam", "Optimizer.", plugins="optimizers")
    learning_rate: float = option(
        1e-3, "Peak of the schedule.", (1e-8, 10.0), THAWED, search=Around(4), searched=True
    )
    momentum: float = option(
        0.9,
        "Momentum; of sgd and muon Nesterov's.",
        (0.0, 0.9999),
        {"optimizer": ("sgd", "muon", "rmsprop")},
        search=Between(0.8, 0.98),
    )
    schedule: str = option(
        "constant", "Course of the learning rate.", plugins="schedules", used_by=THAWED
    )
    full_rate_steps: int = option(
        0,
        "Number of steps that learning_rate is meant for; fewer take a lower peak, by the root of "
        "their share; 0 = any number.",
        (0, 10_000_000),
        THAWED,
    )
    weight_decay: float = option(
        0.0,
        "Decoupled decay of kernels, per step and unit of learning rate.",
        (0.0, 1.0),
        search=Between(1e-5, 0.1, log=True),
    )
    label_smoothing: float = option(
        0.0,
        "Probability mass spread evenly over the classes.",
        (0.0, 0.9),
        search=Between(0, 0.2),
        searched=True,
    )
    teacher: str = option(
        "", "Run or model file whose predictions are learned along with the labels; empty = none."
    )
    distillation: float = option(
        0.9,
        "Share of the teacher in the objective.",
        (0.01, 1.0),
        {"teacher": Given()},
        search=Between(0.5, 1),
    )
    distillation_temperature: float = option(
        2.0,
        "Softness of the teacher's predictions.",
        (0.1, 20.0),
        {"teacher": Given()},
        search=Around(2),
    )
    class_weights: str = option(
        "off",
        "Weights of the classes in the loss: balanced is 1 / number of images, 0.5 its root.",
        words=("off", "0.5", "balanced"),
    )
    ema: float = option(
        0.0,
        "Decay per step of an exponential moving average of the weights, which is validated and "
        "kept; 0 = off.",
        (0.0, 0.99999),
    )
    batch_size: int = option(
        64, "Number of images per step.", (1, 65_536), search=Around(2), searched=True
    )
    epochs: int = option(5, "Number of passes over the training images.", (1, 10_000))
    hard_example_fraction: float = option(
        1.0,
        "Share of images, by their last loss, in each epoch after the first.",
        (0.01, 1.0),
        SCRATCH,
        search=Between(0.3, 1),
    )
    head_epochs: int = option(
        0,
        "Number of first epochs that train the last layer alone, without augmentation.",
        (0, 10_000),
        TRANSFER,
    )
    head_learning_rate: float = option(
        1e-3, "Learning rate of the frozen epochs.", (1e-8, 10.0), {"head_epochs": Above(0)}
    )
    patience: int = option(
        0,
        "Number of epochs without improvement before training stops and keeps the best; 0 = off.",
        (0, 10_000),
    )
    keep: str = option(
        "last",
        "Epoch whose weights are the result; auto is the best where the last is worse by more than "
        "chance. Patience keeps the best in any case.",
        words=("last", "best", "auto"),
    )
    monitor: str = option(
        "loss", "Validation metric that chooses the best epoch.", words=("loss", "accuracy")
    )
    precision: str = option(
        "float32",
        "Arithmetic of training; auto = bfloat16 where the processor has it.",
        words=("float32", "bfloat16", "auto"),
    )
    seed: int = option(
        0, "Seed of initial weights, image order, augmentation and dropout.", (0, 2**31 - 1)
    )
