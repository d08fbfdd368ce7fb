"""Who may do what on the cluster: stated once, given to Kafka, Strimzi and clouds from here."""

from glideslope.access.principals import principals
from glideslope.access.rights import Kind, Operation, Principal, Right

__all__ = ["Kind", "Operation", "Principal", "Right", "principals"]
