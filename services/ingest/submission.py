"""How a handler takes what was submitted: as it came, and described as it should be."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.events import DocumentSubmitted, FeedbackSubmitted, RequestSubmitted


@dataclass(frozen=True, slots=True)
class _DescribedAs:
    """Any JSON value, which the contract's page shows with the schema of `model`.

    Validation is the decision's work: what does not fit is rejected with a reason, and is no
    dead letter.
    """

    model: type[BaseModel]

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(self.model.__pydantic_core_schema__)


SubmittedRequest: TypeAlias = Annotated[Any, _DescribedAs(RequestSubmitted)]
SubmittedDocument: TypeAlias = Annotated[Any, _DescribedAs(DocumentSubmitted)]
SubmittedFeedback: TypeAlias = Annotated[Any, _DescribedAs(FeedbackSubmitted)]
