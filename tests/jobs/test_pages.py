"""The pages of jobs: who sees which, and who may do what with them."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests import factories
from tests.jobs import tasks

Owner = psycopg.Connection[dict[str, Any]]
Run = Callable[[], None]


def deferred(work: Any, what: Any = tasks.make_locations, **values: Any) -> int:
    with work():
        return tasks.defer(what, **({"name": "paged"} | values))


def test_the_list_and_its_filters(work: Any, sign_in: Any, run_jobs: Run, statements: Any) -> None:
    client = sign_in("jobs")
    deferred(work, title="Done by Steward")
    deferred(work, tasks.refuse, title="Failed of mine", user_id=client.user.id)
    run_jobs()
    deferred(work, title="Waits in the queue")
    page = client.get("/jobs").text
    assert all(title in page for title in ("Done by Steward", "Failed of mine", "Waits in"))
    assert "The file is not what it seems." in page
    with statements() as seen:
        mine = client.get("/jobs?mine=1").text
    assert "Failed of mine" in mine and "Done by Steward" not in mine
    assert len(seen) <= 8
    assert "Done by Steward" in (only := client.get("/jobs?state=done").text)
    assert "Failed of mine" not in only
    assert client.get("/jobs?state=nonsense").status_code == 400


def test_it_polls_only_while_something_may_change(work: Any, sign_in: Any, run_jobs: Run) -> None:
    client = sign_in("jobs")
    job_id = deferred(work)
    addresses = ("/jobs", f"/jobs/{job_id}")
    assert all("every " in client.get(address).text for address in addresses)
    run_jobs()
    assert not any("every " in client.get(address).text for address in addresses)
    part = client.get(f"/jobs/{job_id}", headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith('<div id="job"') and "1 of 1" in part


def test_what_a_job_has_done_is_told_exactly(
    work: Any, sign_in: Any, run_jobs: Run, owner: Owner
) -> None:
    client = sign_in("jobs")
    job_id = deferred(work)
    run_jobs()
    owner.execute("UPDATE job_reports SET done = 12000, total = 12345")
    assert "12,000 of 12,345" in client.get(f"/jobs/{job_id}").text
    assert "12,000 / 12,345" in client.get("/jobs").text


def test_older_jobs_are_a_page_further(work: Any, sign_in: Any) -> None:
    client = sign_in("jobs")
    for number in range(3):
        deferred(work, title=f"Job number {number}")
    first = client.get("/jobs?limit=2").text
    assert "number 2" in first and "number 0" not in first and "after=" in first


def test_ones_own_job_needs_no_page(work: Any, sign_in: Any, run_jobs: Run) -> None:
    owner, stranger, scoped = sign_in("dashboard"), sign_in("dashboard"), None
    scoped = sign_in("jobs", client_id=factories.make_client().id)
    job_id = deferred(work, user_id=owner.user.id, url="/organisation", title="Only hers")
    run_jobs()
    page = owner.get(f"/jobs/{job_id}").text
    assert "Only hers" in page and 'href="/organisation"' in page
    for other in (stranger, scoped):
        assert other.get(f"/jobs/{job_id}").status_code == 404
        assert other.post(f"/jobs/{job_id}/retry").status_code == 404
    assert "Only hers" not in scoped.get("/jobs").text
    assert owner.get("/jobs").status_code == 403
    assert owner.get("/jobs/999999").status_code == 404


@pytest.mark.parametrize("who", ["owner", "holder"])
def test_a_failed_job_is_tried_again(
    work: Any, sign_in: Any, run_jobs: Run, audit_rows: Any, who: str
) -> None:
    mine = sign_in("dashboard")
    client = mine if who == "owner" else sign_in("jobs", "jobs.retry")
    job_id = deferred(work, tasks.refuse, user_id=mine.user.id, title="Retried")
    run_jobs()
    assert f"/jobs/{job_id}/retry" in client.get(f"/jobs/{job_id}").text
    assert client.post(f"/jobs/{job_id}/retry").status_code == 303
    page = client.get(f"/jobs/{job_id}").text
    assert "Waiting" in page and "The file is not" not in page
    (row,) = audit_rows("job", job_id, action="job.retried")
    assert (row["actor_id"], row["object_label"]) == (client.user.id, "Retried")
    again = client.post(f"/jobs/{job_id}/retry", follow_redirects=True).text
    assert "Only a job that has failed" in again


def test_who_only_looks_may_not_retry(work: Any, sign_in: Any, run_jobs: Run) -> None:
    client = sign_in("jobs")
    job_id = deferred(work, tasks.refuse)
    run_jobs()
    assert f"/jobs/{job_id}/retry" not in client.get(f"/jobs/{job_id}").text
    assert client.post(f"/jobs/{job_id}/retry").status_code == 403


def test_a_waiting_job_can_be_cancelled(
    work: Any, sign_in: Any, run_jobs: Run, audit_rows: Any, owner: Owner
) -> None:
    client = sign_in("dashboard")
    job_id = deferred(work, user_id=client.user.id)
    assert client.post(f"/jobs/{job_id}/cancel").status_code == 303
    run_jobs()
    assert "Cancelled" in client.get(f"/jobs/{job_id}").text
    assert owner.execute("SELECT FROM locations WHERE name LIKE 'paged%'").rowcount == 0
    assert audit_rows("job", job_id, action="job.cancelled")
    said = client.post(f"/jobs/{job_id}/cancel", follow_redirects=True).text
    assert "only one that waits" in said


def test_a_bug_shows_no_more_than_a_number(work: Any, sign_in: Any, run_jobs: Run) -> None:
    client = sign_in("jobs")
    job_id = deferred(work, tasks.crash)
    run_jobs()
    page = client.get(f"/jobs/{job_id}").text
    assert "To be tried again" in page and f"Quote job {job_id}" in page
    assert "of which nobody should read" not in page
