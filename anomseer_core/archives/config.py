"""Which labelled real series are read from a folder, and how they are cut and chosen."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from anomseer_core.config import Config, Unique

AnyFormat = Literal["auto", "tsb-uad", "tsb-ad", "tab", "nab", "nasa", "ucr", "smd", "kpi", "mgab", "table"]
SHORTEST_PIECE = 100


class TableConfig(Config):
    """How a CSV or Parquet table of no known archive is read: its columns, and what is done about gaps."""

    value_columns: Annotated[tuple[str, ...], Unique] = Field(
        (), description="Columns of values, one channel each; empty takes every column of numbers that is left."
    )
    time_column: str = Field(
        "", description="Column of times: ISO 8601, or numbers; empty looks for timestamp, time, date, datetime or ds."
    )
    label_column: str = Field(
        "",
        description="Column of labels, 0 or 1; empty looks for label, labels, is_anomaly, anomaly, anomalous, outlier, "
        "is_outlier or ground_truth.",
    )
    time_format: str = Field(
        "", description="Format of times that are neither ISO 8601 nor numbers, such as %d.%m.%Y %H:%M."
    )
    separator: Literal["auto", ",", ";", "tab", "|"] = Field("auto", description="Between the cells of a CSV row.")
    decimal: Literal["auto", ".", ","] = Field("auto", description="Decimal sign of a CSV; thousands are not marked.")
    encoding: str = Field("utf-8", description="Encoding of a CSV without a byte order mark.")
    gaps: Literal["refuse", "interpolate", "keep"] = Field(
        "refuse",
        description="Missing values and irregular times: named and refused; put onto a regular grid by straight lines; "
        "or kept, rows in order of time, repeated ones too, and missing values missing.",
    )
    longest_gap: int = Field(10, ge=1, le=100_000, description="A longer gap is never interpolated. [steps]")


class ArchiveConfig(Config):
    """Real labelled series: a folder of one or several archives, or an archive that was added by name."""

    benchmark: Literal["archive"] = Field("archive", description="Name of the reader.")
    folder: str = Field(
        "",
        description="Folder that holds the archive (absolute, in the UI), or the name of one that `anomseer archive "
        "add` keeps; empty skips this benchmark.",
    )
    format: AnyFormat = Field("auto", description="Format of the files, where a folder could be taken for several.")
    table: TableConfig = Field(default_factory=TableConfig, description="Reading of tables of no known archive.")
    file_list: str = Field(
        "", description="Only series that this list of TSB-AD names, such as TSB-AD-U-Eva; empty takes all."
    )
    selection: Literal["tab", "all"] = Field(
        "tab",
        description="The filter of TAB (an event, and at most max_anomaly_ratio anomalous samples), or everything.",
    )
    max_anomaly_ratio: float = Field(
        0.10, gt=0, le=1, description="Series above this share of anomalous samples are left out, as TAB does."
    )
    duplicates: Literal["leave_out", "keep"] = Field(
        "leave_out", description="What is done with a series that another archive of the folder holds too."
    )
    channels: Literal["together", "apart"] = Field(
        "together", description="Series of several channels: kept as one, or split into one for each channel."
    )
    most_channels: int = Field(
        9,
        ge=1,
        le=10_000,
        description="Series that keep more channels together are left out; one picture shows at most 9. [channels]",
    )
    count: int = Field(
        20, ge=1, le=100_000, description="At most this many series, spread evenly over the folder. [series]"
    )
    max_samples: int = Field(
        4_000,
        ge=0,
        description="Longer series are cut into pieces this long; the first with an event is kept. "
        f"0 keeps them whole; else at least {SHORTEST_PIECE}. [samples]",
    )

    @property
    def is_eventful(self) -> bool:
        """Whether every series that is read holds an event."""
        return self.selection == "tab"

    @field_validator("max_samples")
    @classmethod
    def _leave_something(cls, value: int) -> int:
        if 0 < value < SHORTEST_PIECE:
            raise ValueError(f"write 0 for whole series, or at least {SHORTEST_PIECE}")
        return value
