"""Plays KubeDB's ops-manager: carries out OpsRequests, one at a time per database.

`requests.py` decides which one is next and how it ends, `rollout.py` changes servers, `types/` has one file per type of
request. A request is carried out inside the reconcile of its database, so nobody else changes the database meanwhile.
All memory is in the request's conditions and the objects, so a killed operator goes on where it was.
"""
