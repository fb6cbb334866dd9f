"""Requests answered without WSGI: what the application is told, and the bytes of an answer."""

from __future__ import annotations

from grok_sauce.runtime.direct import environ_of, written
from grok_sauce.runtime.request_head import Headers


def test_the_environment_is_that_of_wsgi_without_names_that_could_pass_for_others() -> None:
    headers = Headers(
        [
            ("Content-Type", "application/json"),
            ("content-length", "12"),
            ("X-Forwarded-For", "10.0.0.1"),
            ("x-forwarded-for", "10.0.0.2"),
            ("X_Forwarded_For", "127.0.0.1"),
        ]
    )

    assert environ_of("POST", "/webhook/a%20b?x=%41", headers, "127.0.0.1") == {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/webhook/a b",
        "QUERY_STRING": "x=%41",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "12",
        "HTTP_X_FORWARDED_FOR": "10.0.0.1,10.0.0.2",
    }


def test_an_answer_is_its_status_fields_date_and_body() -> None:
    response = ("200 OK", (("Content-Length", "2"),), b"ok")

    assert written(response, "close", 784_111_777.9) == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        b"Connection: close\r\n\r\nok"
    )
    assert b"Connection" not in written(response, "", 0)
