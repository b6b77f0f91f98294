"""What commands of this machine may do about accounts; nobody is asked who they are, for the machine's owner is."""

from collections.abc import Mapping
from typing import Any

from app.control import Operation
from app.keys import Services
from app.repositories.invitations import Terms
from app.services.accounts import Account


def account_operations(services: Services) -> dict[str, Operation]:
    """Return every operation by its name; arguments and answers are plain JSON."""
    return {**_of_accounts(services), **_of_secrets(services)}


def _of_accounts(services: Services) -> dict[str, Operation]:
    accounts = services.accounts

    async def list_(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        page = await accounts.list_page(after=arguments["after"], limit=arguments["limit"])
        return [_shown(account) for account in page]

    async def disable(arguments: Mapping[str, Any]) -> None:
        await accounts.disable(arguments["name"])

    async def enable(arguments: Mapping[str, Any]) -> None:
        await accounts.enable(arguments["name"])

    async def quota(arguments: Mapping[str, Any]) -> None:
        await accounts.set_quota(arguments["name"], arguments["quota"])

    async def admin(arguments: Mapping[str, Any]) -> None:
        await accounts.set_admin(arguments["name"], is_admin=bool(arguments["is_admin"]))

    async def delete(arguments: Mapping[str, Any]) -> None:
        await services.removal.delete(arguments["name"], heir=arguments["heir"], by=None)

    return {
        "user.list": list_,
        "user.disable": disable,
        "user.enable": enable,
        "user.quota": quota,
        "user.admin": admin,
        "user.delete": delete,
    }


def _of_secrets(services: Services) -> dict[str, Operation]:
    async def add(arguments: Mapping[str, Any]) -> None:
        await services.accounts.create(arguments["name"], arguments["password"], is_admin=arguments["admin"])

    async def passwd(arguments: Mapping[str, Any]) -> None:
        keep_devices = bool(arguments["keep_devices"])
        await services.accounts.set_password(arguments["name"], arguments["password"], keep_devices=keep_devices)

    async def invite(arguments: Mapping[str, Any]) -> dict[str, Any]:
        terms = Terms(arguments["name"], arguments["quota"], bool(arguments["admin"]))
        made = await services.invitations.make(terms, days=arguments["days"], by=None)
        url = services.settings.server.public_url.rstrip("/") + made.path
        expires_ms = made.invited.invitation.expires_ms
        return {"invitation_id": made.invited.invitation_id, "url": url, "expires_ms": expires_ms}

    async def reset(arguments: Mapping[str, Any]) -> dict[str, Any]:
        made = await services.resets.begin(arguments["name"], by=None)
        return {"code": made.code, "expires_ms": made.expires_ms}

    return {"user.add": add, "user.passwd": passwd, "user.invite": invite, "user.reset": reset}


def _shown(account: Account) -> dict[str, Any]:
    return {
        "username": account.user.name,
        "is_admin": bool(account.user.is_admin),
        "disabled": account.user.disabled_ms is not None,
        "quota": account.quota,
        "used": account.used,
    }
