# The image of a Cairn server: Python, the locked packages, and Cairn. Build it in a checkout:
#
#     docker build -t cairn .                               # everything on the disk of this machine
#     docker build -t cairn-minio --target cairn-minio .    # the same, and an object server beside it
#
# The tag names a minor version of Python, so that a rebuild takes up its fixes. Who wants the same bytes each time gives
# the digest of the index of all platforms: --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-trixie

# Any image with a server that speaks as MinIO does, and its licences in /licenses (docs/decisions/0041). The default is
# the fork that is looked after; its program is called silo.
ARG MINIO_IMAGE=docker.io/pgsty/silo:RELEASE.2026-09-03T13-18-01Z
ARG MINIO_BINARY=/usr/bin/silo


FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN apt-get update && apt-get install --yes --no-install-recommends binutils

# What changes seldom comes first. Only wheels: a platform without them ends here, with the name of the package. Some
# come with what only a debugger reads, a third of their bytes.
RUN python -m venv --without-pip /opt/cairn
COPY requirements-server.lock ./
RUN pip --python /opt/cairn/bin/python install --no-cache-dir --require-hashes --only-binary :all: \
    --requirement requirements-server.lock && \
    find /opt/cairn -name '*.so' -exec strip --strip-debug {} +

# Tests of others, of no use to a server.
RUN find /opt/cairn -depth -type d \( -name tests -o -name SelfTest \) -exec rm -r {} +

# The builder of the package stays in this stage; its version and hashes are those of the whole lock.
COPY requirements.lock ./
RUN sed -n '/^setuptools==/,/^    #/p' requirements.lock > builder.lock && \
    pip install --no-cache-dir --require-hashes --only-binary :all: --requirement builder.lock

COPY pyproject.toml README.md LICENSE ./
COPY app ./app
COPY client ./client
COPY storage ./storage
COPY web ./web
# In the image `cairn` first becomes the user it is to run as, at the start and in every `docker exec`.
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . && \
    pip --python /opt/cairn/bin/python install --no-cache-dir --no-deps --no-index /wheel/*.whl && \
    printf '#!/bin/sh\nexec python -I -m app.container python -I -m client "$@"\n' > /opt/cairn/bin/cairn


FROM ${PYTHON_IMAGE} AS system
# A number that stays, so that the owner of /data is the same in every image. Whoever else Cairn is made to run as may
# begin a volume too: it takes over the mode of this folder.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && \
    groupadd --gid 1000 cairn && \
    useradd --uid 1000 --gid cairn --home-dir /data --no-create-home --shell /usr/sbin/nologin cairn && \
    install --directory --owner cairn --group cairn --mode 1777 /data
# What installs, edits and tests programs, what apt left over, what would make a user another one, and the tables of character
# sets, for Python has its own.
RUN find /usr/lib/python3* /usr/local/lib/python3* -depth -type d \
    \( -name pip -o -name 'pip-*' -o -name 'setuptools*' -o -name 'wheel*' -o -name ensurepip -o -name idlelib \
    -o -name tkinter -o -name turtledemo -o -name lib2to3 -o -name pydoc_data -o -name test -o -name tests \) -exec rm -r {} + && \
    rm -rf /usr/lib/*/gconv /usr/share/python-wheels /usr/local/bin/pip* /usr/bin/pip* /var/lib/apt/lists/* /var/cache/* /var/log/* && \
    find / -xdev -type f -perm /6000 -exec chmod ug-s {} +


# Begun from nothing, so that what was removed takes no room either.
FROM scratch AS server
COPY --from=system / /
COPY --from=build /opt/cairn /opt/cairn

ENV PATH=/opt/cairn/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    CAIRN_SERVER__HOST=0.0.0.0 \
    CAIRN_DATA__FOLDER=/data
USER 1000:1000
# Not /data: where that is closed to the user nothing could begin that tells so.
WORKDIR /
VOLUME /data
EXPOSE 8080

# -I: nothing that lies in the working folder is taken for a module. app.container: whoever was root is so no more, before
# anything else begins; so tini may stop what it started, and the check may look into /data, without any capability.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-m", "app.container", "python", "-I", "-m", "app.healthcheck"]
# tini takes in what other programs leave behind; -s: also where it is not the first process.
ENTRYPOINT ["python", "-I", "-m", "app.container", "tini", "-s", "--", "python", "-I", "-m", "client"]
CMD ["serve"]

# The version that pyproject.toml has.
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Cairn" \
    org.opencontainers.image.description="A private Dropbox: files sync through signed, deduplicated, verified chunks" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.licenses="Apache-2.0"


FROM ${MINIO_IMAGE} AS object-server


FROM server AS cairn-minio
ARG MINIO_BINARY
COPY --from=object-server /licenses /usr/share/doc/minio
COPY --from=object-server ${MINIO_BINARY} /usr/local/bin/minio
LABEL org.opencontainers.image.licenses="Apache-2.0 AND AGPL-3.0-or-later"


# What is built if nothing else is asked for.
FROM server AS cairn
