# One image for all three parties: `docker run cloakroom bff`, `… sso`, `… workbench`, `… sso migrate`.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt /src/
RUN python -m venv /venv && /venv/bin/pip install --no-input -r /src/requirements.txt
COPY . /app
RUN /venv/bin/python -m compileall -q /venv/lib /app

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 cloakroom \
    && useradd --system --uid 10001 --gid cloakroom --no-create-home --shell /usr/sbin/nologin cloakroom \
    && install --directory --owner=cloakroom --group=cloakroom --mode=0700 /var/lib/cloakroom
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CLOAKROOM_VAR=/var/lib/cloakroom \
    BFF_HOST=0.0.0.0 \
    SSO_HOST=0.0.0.0 \
    WORKBENCH_HOST=0.0.0.0
WORKDIR /app
USER 10001:10001
VOLUME /var/lib/cloakroom
EXPOSE 8000 9000 7000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-m", "launcher.probe"]
ENTRYPOINT ["python", "app.py"]
CMD ["all"]
