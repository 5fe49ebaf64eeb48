"""How a detector is run over series and how its answers are scored."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from anomseer_core.baselines.config import ClassicalConfig
from anomseer_core.config import Config, Unique
from anomseer_core.evaluation.detector_names import DIRECT_SUFFIX, TOLD_SUFFIX, VOTED_SUFFIX

Baseline = Literal[
    "always-empty",
    "whole-series",
    "last-fifth",
    "early-twentieth",
    "oracle-whole-series",
    "oracle-middle",
    "oracle-trend-onset",
    "fft",
    "matrix-profile",
    "gradient",
    "arima",
    "threshold",
    "ensemble",
    "isolation-forest",
    "hbos",
    "blind-expert",
]


class BaselineConfig(Config):
    """A detector without training: a trivial predictor of the summary table, or a classical method."""

    name: Baseline = Field("whole-series", description="Which detector.")
    parameters: ClassicalConfig = Field(
        default_factory=ClassicalConfig, description="Parameters of the classical detectors."
    )


class ScoringConfig(Config):
    """How answers are compared with labels."""

    profile: Literal["strict", "anomllm", "visual_time_anomaly", "released", "benchmark"] = Field(
        "strict",
        description="Scoring rules: `strict` are ours; `anomllm`, `visual_time_anomaly` and `released` (the paper's "
        "authors) follow a published evaluation; `benchmark` gives each benchmark its own, others `strict`.",
    )
    reading: Literal["answer", "response"] = Field(
        "answer",
        description="What the rules of a published evaluation are applied to: the answer as our grammar read it, or "
        "the raw response as their parser reads it, in their format.",
    )
    affiliation: Literal["continuous", "discrete"] = Field(
        "continuous", description="Form of the affiliation metric: the official integrals, or the paper's sums (D.3)."
    )

    @model_validator(mode="after")
    def _leave_nothing_without_effect(self) -> "ScoringConfig":
        if self.profile == "strict" and self.reading == "response":
            raise ValueError(
                "reading = response: the profile strict has one reading, our grammar's; choose another profile"
            )
        if self.profile != "strict" and self.affiliation == "discrete":
            raise ValueError(
                f"affiliation = discrete: the profile {self.profile} is a published evaluation, which takes the "
                "continuous form; choose the profile strict"
            )
        return self


class VotingConfig(Config):
    """How many answers vote on a picture, and what it takes to win (policy/voting.py)."""

    answers: int = Field(
        16, ge=1, le=128, description="Direct answers sampled for each picture, all of a batch at once. [answers]"
    )
    temperature: float = Field(1.0, gt=0, le=2, description="At which they are sampled.")
    normal_share: float = Field(
        0.5, gt=0, le=1, description="A picture is normal where this share of the answers, or more, names no interval."
    )
    mark_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Elsewise a position is anomalous where this share of the others, or more, marks it.",
    )


class DecodingConfig(Config):
    """How a policy's responses are sampled at evaluation."""

    temperature: float = Field(0.0, ge=0, le=2, description="0 is greedy; the authors' released evaluation uses 0.4.")
    max_response_tokens: int = Field(
        1024, ge=8, le=8192, description="A longer response is cut and scored as it stands. [tokens]"
    )
    batch_size: int = Field(32, ge=1, le=1024, description="Pictures decoded together. [pictures]")
    seed: int = Field(0, ge=0, description="Seed of the sampling, when the temperature is above 0 or answers vote.")
    reasoning: Literal["written", "skipped", "voted"] = Field(
        "written",
        description="`skipped`: the policy answers at once, its response begun for it with an empty `<think>` block; "
        "its name in tables ends in `-direct`. `voted`: so too, many times, and the answers vote; it ends in `-voted`.",
    )
    voting: VotingConfig = Field(default_factory=VotingConfig, description="The vote, where reasoning is `voted`.")
    told: bool = Field(
        False,
        description="The policy is told that every series holds an event: where it names none it is asked again, "
        "directly and without that choice; its name in tables ends in `-told`.",
    )

    @model_validator(mode="after")
    def _sample_votes_at_their_own_temperature(self) -> "DecodingConfig":
        if self.reasoning == "voted" and self.temperature:
            raise ValueError("temperature has no effect where answers vote; set voting.temperature")
        return self

    def detector_name(self, policy: str) -> str:
        """What tables call a policy that answers in this way."""
        way = {"written": "", "skipped": DIRECT_SUFFIX, "voted": VOTED_SUFFIX}[self.reasoning]
        return policy + way + (TOLD_SUFFIX if self.told else "")


class DetectorsConfig(Config):
    """How a policy answers, which detectors stand beside it, and how answers are scored."""

    decoding: DecodingConfig = Field(default_factory=DecodingConfig, description="Sampling of the policy's responses.")
    direct_too: bool = Field(
        False, description="Evaluate every policy a second time, with its reasoning skipped (decoding.reasoning)."
    )
    voted_too: bool = Field(
        False, description="Evaluate every policy by a vote of many direct answers too (decoding.voting)."
    )
    told_too: bool = Field(
        False,
        description="Evaluate every policy told of events too (decoding.told), on real series that were chosen for "
        "holding one (archive.selection = tab).",
    )
    scoring: ScoringConfig = Field(default_factory=ScoringConfig, description="Comparison with the labels.")
    baselines: Annotated[tuple[Baseline, ...], Unique] = Field(
        get_args(Baseline), description="Trivial and classical detectors run on the same series."
    )
    classical: ClassicalConfig = Field(
        default_factory=ClassicalConfig, description="Parameters of the classical detectors."
    )

    @model_validator(mode="after")
    def _ask_a_second_time_in_another_way(self) -> "DetectorsConfig":
        if self.direct_too and self.decoding.reasoning == "skipped":
            raise ValueError("direct_too has no effect where decoding.reasoning is skipped; set one of them")
        if self.voted_too and self.decoding.reasoning == "voted":
            raise ValueError("voted_too has no effect where decoding.reasoning is voted; set one of them")
        if self.decoding.voting != VotingConfig() and not self.voted_too and self.decoding.reasoning != "voted":
            raise ValueError("decoding.voting has no effect where nothing votes; set voted_too")
        if self.told_too and self.decoding.told:
            raise ValueError("told_too has no effect where decoding.told is set; set one of them")
        return self

    def decodings(self, *, eventful: bool) -> tuple[DecodingConfig, ...]:
        """How each policy is asked about series, one to six times. eventful: all of them hold an event."""
        # How a vote is taken is nothing to the others, and it has a temperature of its own.
        given = self.decoding if self.decoding.reasoning == "voted" else self._decoding(voting=VotingConfig())
        ways = [given]
        if self.direct_too:
            ways.append(given.model_copy(update={"reasoning": "skipped"}))
        if self.voted_too:
            ways.append(self._decoding(reasoning="voted", temperature=0.0))
        if not (self.told_too and eventful):
            return tuple(ways)
        return tuple(way.model_copy(update={"told": told}) for way in ways for told in (False, True))

    def _decoding(self, **update: object) -> DecodingConfig:
        return self.decoding.model_copy(update=update)


class EvaluationConfig(DetectorsConfig):
    """The evaluation at the end of a pipeline, which has a policy before and one after TimerPO."""

    cold_start: bool = Field(True, description="Evaluate the policy before TimerPO too.")
