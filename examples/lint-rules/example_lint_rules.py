"""Rules of one organisation. Importing the module registers them; the entry point in pyproject.toml has butane-py import it."""

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint


@lint(
    "example-image-registry",
    title="An image is not from our registry",
    why="Machines without a way to the internet cannot pull it.",
    fix="Mirror the image to registry.example.com and name that.",
)
def image_registry(facts: Facts, find: Find) -> None:
    """Images of quadlets from other registries than ours."""
    for text in facts.texts:
        for setting in text.read.all("Container", "Image"):
            if not setting.value.startswith("registry.example.com/"):
                message = f"{setting.value} is not from our registry"
                find.in_text(text.at, setting.line, message, hint="name its copy in registry.example.com")
