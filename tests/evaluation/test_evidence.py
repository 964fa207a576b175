"""Evidence behind hand-made accuracies."""

import numpy as np

from ankleboot.evaluation.evidence import weigh_evidence

NAMES = ("cat", "dog", "hen")


def test_twelve_images_are_called_few() -> None:
    labels = np.arange(12) % 3
    evidence = weigh_evidence(labels, labels, NAMES)
    assert evidence.accuracy == evidence.balanced_accuracy == 1.0
    (sentence,) = evidence.sentences("validation")
    assert "rests on 12 validation images, each of them 8.3 points" in sentence
    assert "from 76 to 100 %" in sentence


def test_a_rare_class_that_is_never_predicted_is_named() -> None:
    """Case 31b: 190, 10 and 2 images; the accuracy of 95 % was shown alone."""
    labels = np.repeat([0, 1, 2], [190, 10, 2])
    evidence = weigh_evidence(np.zeros_like(labels), labels, NAMES)
    assert evidence.majority_baseline == evidence.accuracy == 190 / 202
    assert evidence.balanced_accuracy == 1 / 3
    assert evidence.classes_never_predicted == ("dog", "hen")
    baseline, never = evidence.sentences("validation")
    assert "Always predicting cat would be right on 94.1 %, as much as the 94.1 %" in baseline
    assert "balanced accuracy) is 33.3 %" in baseline
    assert "dog, hen" in never and "class_weights=balanced" in never


def test_a_class_without_images_is_named() -> None:
    labels = np.repeat([0, 1], [100, 60])
    evidence = weigh_evidence(labels, labels, NAMES)
    assert evidence.classes_without_images == ("hen",)
    assert evidence.sentences("test") == ("No test image of hen: nothing is known there.",)


def test_many_images_of_balanced_classes_need_no_word() -> None:
    labels = np.arange(1_200) % 3
    predicted = np.where(np.arange(1_200) % 10 == 0, (labels + 1) % 3, labels)
    assert weigh_evidence(predicted, labels, NAMES).sentences("validation") == ()
