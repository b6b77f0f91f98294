"""cairn search: files and folders at the server by name."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_array, printable
from client.names import parse_remote


def run(arguments: Sequence[str]) -> int:
    """Print the path of everything found, the newest first."""
    parser = Parser(
        "search",
        "Find files and folders by a part of their name, the newest first. Capitals and accents do not matter.",
    )
    parser.add_argument("text", metavar="TEXT", help="part of a name")
    parser.add_argument("--in", dest="folder", metavar="PATH", help="look below this folder alone")
    parser.add_argument("--type", metavar="TYPE", help="only files of a content type, such as image/png or 'image/*'")
    options = parser.parse_args(arguments)

    with logged_in() as (remote, _):
        folder = None if options.folder is None else remote.get_file(parse_remote(options.folder))
        found = remote.search(options.text, folder=folder, content_type=options.type)
        if options.json:
            print_array(found)
        else:
            for file in found:
                print(printable(file.path) + ("/" if file.kind == "folder" else ""))
    return 0
