"""Calls about an account: logins, devices, the second factor, and with whom files are shared."""

from collections.abc import Iterator

import msgspec

from client.protocol import File, Link, LinkChange, LinkPage, LinkRequest, LoginAnswer, LoginRequest, NewLink
from client.protocol_account import (
    AppPassword,
    AppPasswordRequest,
    CodeRequest,
    Enrolment,
    InstallationAnswer,
    InstallationRequest,
    PasswordRequest,
    ProofRequest,
    RecoveryCodes,
)
from client.protocol_past import AppScope, Device, DevicePage
from client.protocol_shares import Member, MemberPage, RoleName, RoleRequest, ShareRequest
from client.remote_calls import PAGE_SIZE, Calls, quoted


class AccountCalls(Calls):
    """Calls about an account and its shares."""

    def greet(self) -> None:
        """Ask for nothing, so as to learn whether the server can be trusted; raise UntrustedError if it cannot."""
        self._channel.send("GET", "/healthz", again=False)

    def login(
        self,
        username: str,
        password: str,
        device_name: str,
        totp: str | None = None,
        *,
        install_id: str | None = None,
    ) -> LoginAnswer:
        """Make this a device of the account; raise NotLoggedInError if name or password is wrong.

        Args:
            totp: a code of the second factor; where it is wanted, the error's code is `totp_required`.
            install_id: of this installation; a device that it was for this account before ends.
        """
        body = LoginRequest(username, password, device_name, totp, install_id)
        return self._channel.call("POST", "/api/v1/login", LoginAnswer, body=body, again=False)

    def show_install(self, names: list[str]) -> InstallationAnswer:
        """Show which installation this is; raise NotLoggedInError `install_unknown` if it is a copy of another."""
        body = InstallationRequest(names)
        return self._channel.call("POST", "/api/v1/installation", InstallationAnswer, body=body, is_first=True)

    def logout(self) -> None:
        """End this device's token."""
        self._channel.send("POST", "/api/v1/logout")

    def prove(self, password: str, totp: str | None) -> None:
        """Show the password again, which some calls want within the last ten minutes."""
        self._channel.send("POST", "/api/v1/reauth", body=ProofRequest(password, totp), again=False)

    def change_password(self, current: str, new: str, totp: str | None, *, end_devices: bool) -> None:
        """Change the account's password; other sessions end, with `end_devices` all other devices too."""
        body = PasswordRequest(current, new, totp, end_devices)
        self._channel.send("POST", "/api/v1/password", body=body, again=False)

    def revoke_device(self, device_id: str) -> None:
        """End a device, session or app password."""
        self._channel.send("DELETE", f"/api/v1/devices/{quoted(device_id)}", about=device_id)

    def make_app_password(self, name: str, scope: AppScope) -> AppPassword:
        """Make a password for an app, shown this once."""
        body = AppPasswordRequest(name, scope)
        return self._channel.call("POST", "/api/v1/app-passwords", AppPassword, body=body, again=False)

    def begin_totp(self) -> Enrolment:
        """Begin a second factor; it counts once `confirm_totp` was shown a code."""
        return self._channel.call("POST", "/api/v1/totp", Enrolment, again=False)

    def confirm_totp(self, code: str) -> list[str]:
        """Turn the second factor on; return the recovery codes, shown this once."""
        path = "/api/v1/totp/confirm"
        return self._channel.call("POST", path, RecoveryCodes, body=CodeRequest(code), again=False).recovery_codes

    def end_totp(self, code: str) -> None:
        """Turn the second factor off with a code of it or a recovery code."""
        self._channel.send("POST", "/api/v1/totp/disable", body=CodeRequest(code), again=False)

    def list_devices(self) -> Iterator[Device]:
        """Yield the devices of the account, a page at a time."""
        yield from self.pages("/api/v1/devices", DevicePage)

    # Shares

    def share(self, file_id: str, username: str, role: RoleName, *, about: str) -> Member:
        """Share a folder with a user, or change what a member may do; return once they see it."""
        body = ShareRequest(username, role)
        return self._channel.call("POST", f"/api/v1/files/{file_id}/members", Member, body=body, about=about)

    def list_members(self, file_id: str, *, about: str) -> Iterator[Member]:
        """Yield who sees a folder, the owner first."""
        yield from self._channel.call("GET", f"/api/v1/files/{file_id}/members", MemberPage, about=about).items

    def set_role(self, file_id: str, username: str, role: RoleName, *, about: str) -> Member:
        """Change what a member may do."""
        path = f"/api/v1/files/{file_id}/members/{quoted(username)}"
        return self._channel.call("PATCH", path, Member, body=RoleRequest(role), about=about)

    def end_membership(self, file_id: str, username: str, *, about: str) -> None:
        """Take a folder out of a member's view."""
        self._channel.send("DELETE", f"/api/v1/files/{file_id}/members/{quoted(username)}", about=about)

    # Links

    def make_link(self, request: LinkRequest, *, about: str) -> NewLink:
        """Make a link; its URL is absolute."""
        made = self._channel.call("POST", "/api/v1/links", NewLink, body=request, about=about, again=False)
        return msgspec.structs.replace(made, url=self.server + made.url) if made.url.startswith("/") else made

    def list_links(self, file: File | None) -> Iterator[Link]:
        """Yield links on a node, or all that this account may manage, the oldest first."""
        about = "" if file is None else file.path
        narrowed = {} if file is None else {"file_id": file.file_id}
        yield from self.pages("/api/v1/links", LinkPage, about=about, limit=PAGE_SIZE, **narrowed)

    def pause_link(self, link_id: str, *, paused: bool) -> Link:
        """Let a link rest, or go on."""
        body = LinkChange(paused)
        return self._channel.call("PATCH", f"/api/v1/links/{quoted(link_id)}", Link, body=body, about=link_id)

    def end_link(self, link_id: str) -> None:
        """End a link for good."""
        self._channel.send("DELETE", f"/api/v1/links/{quoted(link_id)}", about=link_id)
