"""What a person is and may have is set on admin routes only, and nothing takes a field that it does not know (P7)."""

from app.api.routes import Access
from app.application import route_table
from tests.permissions.taken import structs_of

ACCOUNTS = frozenset({"is_admin", "disabled", "quota", "permissions", "owner", "owner_id", "user_id", "generation"})
ROLES = frozenset({"POST /api/v1/files/{file_id}/members", "PATCH /api/v1/files/{file_id}/members/{username}"})
"""Where the owner of a folder says what somebody may do with it."""


def test_no_query_and_no_body_takes_a_field_that_it_does_not_know() -> None:
    lax = {
        f"{route.method} {route.path}: {struct.cls.__name__}"
        for route in route_table()
        for struct in structs_of(route)
        if not struct.forbid_unknown_fields
    }

    assert lax == set()


def test_what_an_account_is_and_may_have_is_set_on_admin_routes_only_and_a_role_by_the_owner_of_the_folder() -> None:
    setting: dict[str, set[str]] = {}
    for route in route_table():
        names = {field.encode_name for struct in structs_of(route) for field in struct.fields}
        setting[f"{route.method} {route.path}"] = set() if route.access is Access.ADMIN else names

    assert [route for route, names in setting.items() if names & ACCOUNTS] == []
    assert {route for route, names in setting.items() if "role" in names} == ROLES
