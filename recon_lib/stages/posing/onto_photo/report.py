"""An alignment in words."""

from collections.abc import Sequence

from .align import Answer

DOUBTFUL = 0.6  # of `Score.fit`: photos of other things stay below it, mostly
EQUAL = 0.95  # of the best answer's fit: another side fits as well; on scans without symmetry others reach 0.88


def fit_report(answers: Sequence[Answer]) -> str:
    """The answers with their scores, a line each, and what is to be doubted."""
    lines = [
        f"{number}: fit {answer.score.fit:.2f} ({answer.score}), field of view "
        f"{float(answer.cameras.vertical_fov[0]):.0f} degrees"
        for number, answer in enumerate(answers, 1)
    ]
    note = doubt(answers)
    return "\n".join([*lines, note] if note else lines)


def doubt(answers: Sequence[Answer]) -> str:
    """What speaks against the best answer; empty if nothing does."""
    best = answers[0].score
    alike = sum(answer.score.fit >= EQUAL * best.fit for answer in answers)
    if best.fit < DOUBTFUL:
        return (
            f"The mesh fits this photo badly ({best.fit:.2f}): the photo may show another thing, or the mask may mark "
            "another."
        )
    if alike > 1:
        return f"{alike} sides fit about as well; look at the picture, and choose another answer if it is wrong."
    return ""
