CREATE DATABASE sso CHARACTER SET utf8mb4;
CREATE DATABASE workbench CHARACTER SET utf8mb4;
CREATE USER sso IDENTIFIED BY 'choose a password';
CREATE USER workbench IDENTIFIED BY 'choose another';
GRANT ALL ON sso.* TO sso;
GRANT ALL ON workbench.* TO workbench;
