"""Stand-in for ``google.colab.drive``: there is no Drive in the grading room."""


def mount(mountpoint: str = "/content/drive", *_args: object, **_kwargs: object) -> None:
    """Say that nothing was mounted."""
    print(f"Google Drive is not available while grading: {mountpoint} stays empty.")  # noqa: T201


def flush_and_unmount(*_args: object, **_kwargs: object) -> None:
    """Do nothing: nothing was mounted."""
