"""Why a transform was not found."""


class TransformException(Exception):  # noqa: N818  the originals' names
    """The base of all errors of the buffer."""


class ConnectivityException(TransformException):
    """The frames are not in the same tree."""


class LookupException(TransformException):
    """A frame does not exist."""


class ExtrapolationException(TransformException):
    """The time lies outside of what the buffer holds."""


class InvalidArgumentException(TransformException):
    """A frame's name is empty or begins with ``/``."""


class TimeoutException(TransformException):
    """It took too long."""


for _error in (
    TransformException,
    ConnectivityException,
    LookupException,
    ExtrapolationException,
    InvalidArgumentException,
    TimeoutException,
):
    _error.__module__ = "tf2"
