"""What can be set for review alone."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr

from services.review.item import Risk
from services.review.terms import Terms
from shared.settings import Settings


class ReviewSettings(Settings):
    """The shared settings, and those of the queue of answers that wait for a person."""

    review_database: SecretStr | None = Field(
        default=None,
        description="Database of the queue, as SQLAlchemy writes it: "
        "`postgresql+asyncpg://user:password@host/name`. Not set: SQLite, `review/queue.db` in the "
        "home folder, for one process.",
    )
    review_rebuild: bool = Field(
        default=False,
        description="Read the topics from their beginnings into the database at the start, as is "
        "always done with an empty one: after it was restored from a backup.",
    )
    review_host: str = Field(
        default="127.0.0.1", description="Address on which reviewers are served."
    )
    review_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port of the same; 0: any free one, which the log names.",
    )
    review_lease_seconds: float = Field(
        default=600.0, gt=0, description="Time that a claim holds if it is not renewed, seconds."
    )
    review_undo_seconds: float = Field(
        default=5.0,
        ge=0,
        description="Time in which a decision can be taken back, before it is published, seconds.",
    )
    review_within_seconds: dict[Risk, float] = Field(
        default={Risk.HIGH: 3_600.0, Risk.NORMAL: 14_400.0, Risk.LOW: 86_400.0},
        description="How soon an item should be decided, by its risk, seconds; word of one that is "
        "not goes to `reviews.escalated`. JSON object of `low`, `normal` and `high`.",
    )
    review_keep_days: float = Field(
        default=30.0,
        gt=0,
        description="Days for which a decided item stays in the database, where it is one of the "
        "similar past decisions. As long as the topics keep records, or a rebuilt queue has it "
        "again.",
    )
    review_poll_seconds: float = Field(
        default=0.2,
        gt=0,
        description="Time between two looks for what is to be published, seconds.",
    )

    @property
    def review_folder(self) -> Path:
        """Where review keeps its files."""
        return self.home / "review"

    @property
    def database_url(self) -> str:
        """The database's SQLAlchemy URL, password included."""
        if self.review_database is not None:
            return self.review_database.get_secret_value()
        return f"sqlite+aiosqlite:///{self.review_folder / 'queue.db'}"

    @property
    def keep(self) -> timedelta:
        """How long decided items are kept."""
        return timedelta(days=self.review_keep_days)

    @property
    def terms(self) -> Terms:
        """The times that reviews go by."""
        usual = Terms().within
        return Terms(
            lease=timedelta(seconds=self.review_lease_seconds),
            undo=timedelta(seconds=self.review_undo_seconds),
            within={
                risk: timedelta(seconds=self.review_within_seconds[risk])
                if risk in self.review_within_seconds
                else usual[risk]
                for risk in Risk
            },
        )
